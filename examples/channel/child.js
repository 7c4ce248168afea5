// A child on the channel: says who it is, answers each message, and ends when the parent leaves.
process.on('message', (message) => process.send({ you_said: message }));
process.send({ pid: process.pid });

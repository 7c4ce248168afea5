// The other ways to start a process, without a channel: `spawn` with streams, `exec` with a command for the
// shell, `exec_file` with a program. The program may be a script, if it may be executed and begins with `#!`.

#include "notes/notes.h"

namespace {

baton::Op<std::string> output_of(baton::Process& self, baton::Child& child) {
  auto output = std::make_shared<std::pair<baton::Promise<std::string>, std::string>>(
      baton::Promise<std::string>(self.loop()), std::string());
  child.stdout_stream().on_data([output](std::string_view bytes) { output->second += bytes; });
  child.on_close([output](const baton::ExitStatus&) { output->first.resolve(output->second); });
  return output->first.op();
}

baton::Task<> primary(baton::Process& self) {
  const std::string file = self.args().empty() ? "examples/notes/processes/file.sh" : self.args()[0];

  const std::vector<std::string> arguments = {"by spawn"};
  baton::Child child = baton::spawn(self.loop(), file, arguments);
  notes::say("spawn: " + co_await output_of(self, child));

  const std::string command = "'" + file + "' by exec | tr a-z A-Z";
  const baton::ExecResult by_shell = co_await baton::exec(self.loop(), command);
  notes::say("exec: " + by_shell.out());

  const std::vector<std::string> others = {"by exec_file; echo not a command"};
  const baton::ExecResult by_name = co_await baton::exec_file(self.loop(), file, others);
  notes::say("execFile: " + by_name.out());

  // Only these two have a time limit of their own; what a command wrote until then is not lost.
  const auto a_moment = baton::ExecOptions().timeout(std::chrono::milliseconds(500));
  const baton::ExecResult too_long =
      co_await baton::exec(self.loop(), "echo begun; exec sleep 1000", a_moment);
  notes::say("timeout: " + std::string(too_long.timed_out() ? "killed" : "not killed") + ", had written " +
             too_long.out());
}

}  // namespace

int main(int argc, char** argv) { return baton::run(argc, argv, {{"primary", primary}}); }

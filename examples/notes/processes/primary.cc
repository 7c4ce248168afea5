// The four ways to start a process: `spawn` with streams, `exec` with a command for the shell, `exec_file`
// with a program, `fork` with a channel. The program may be a script, if it may be executed and begins with
// `#!`.
// 启动进程的四种方式：`spawn` 给出流，`exec` 把一整行命令交给 shell，`exec_file` 直接运行程序，
// `fork` 带一条通道。程序也可以是脚本，只要有可执行权限，并以 `#!` 开头。

#include "notes/notes.h"

namespace {

constexpr auto a_moment = std::chrono::milliseconds(500);

baton::Op<std::string> output_of(baton::Process& self, baton::Child& child) {
  auto output = std::make_shared<std::pair<baton::Promise<std::string>, std::string>>(
      baton::Promise<std::string>(self.loop()), std::string());
  child.stdout_stream().on_data([output](std::string_view bytes) { output->second += bytes; });
  child.on_close([output](const baton::ExitStatus&) { output->first.resolve(output->second); });
  return output->first.op();
}

baton::Op<std::string> end_of(baton::Process& self, baton::Child& child) {
  auto end = std::make_shared<baton::Promise<std::string>>(self.loop());
  child.on_exit([end](const baton::ExitStatus& status) { end->resolve(status.describe()); });
  return end->op();
}

baton::Task<> primary(baton::Process& self, const notes::Settings& settings) {
  const std::string file = settings.worker;

  const std::vector<std::string> arguments = {"by spawn"};
  baton::Child child = baton::spawn(self.loop(), file, arguments);
  notes::say("spawn: " + co_await output_of(self, child));

  const std::string command = "'" + file + "' by exec | tr a-z A-Z";
  const baton::ExecResult by_shell = co_await baton::exec(self.loop(), command);
  notes::say("exec: " + by_shell.out());

  const std::vector<std::string> others = {"by exec_file; echo not a command"};
  const baton::ExecResult by_name = co_await baton::exec_file(self.loop(), file, others);
  notes::say("execFile: " + by_name.out());

  auto& forked = self.fork(file, baton::ForkOptions().args({"by fork"}));
  const auto message = co_await forked.next_message();
  notes::say("fork: " + (message ? message->value().as_string() : "no message"));

  // Each of them has a time limit; what a command wrote until then is not lost.
  // 四种都可以限时；在那之前写出的内容不会丢。
  const auto in_time = baton::ExecOptions().timeout(a_moment);
  const baton::ExecResult too_long =
      co_await baton::exec(self.loop(), "echo begun; exec sleep 1000", in_time);
  notes::say("timeout of exec: " + too_long.describe() + ", had written " + too_long.out());
  const std::vector<std::string> seconds = {"1000"};
  const auto limited = baton::SpawnOptions().timeout(a_moment);
  baton::Child sleeper = baton::spawn(self.loop(), "sleep", seconds, limited);
  notes::say("timeout of spawn: " + co_await end_of(self, sleeper));
}

}  // namespace

int main(int argc, char** argv) {
  return notes::run_primary(argc, argv,
                            {.name = "notes_processes_primary",
                             .does = "Starts a file by spawn, exec, execFile and fork, and prints what came.",
                             .zh = "用 spawn、exec、execFile 和 fork 各启动一次同一个文件，并打印结果。",
                             .worker = "notes_processes_file"},
                            primary);
}

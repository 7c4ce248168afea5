// The one thread of a worker throws: the worker tells what it was and ends, another takes its place, and the
// service goes on. The primary accepts, and hands each connection to the next worker in turn.
// 工作进程唯一的线程抛出异常：它说明原因然后退出，另一个顶上，服务不中断。
// 主进程负责 accept，把每条连接轮流交给下一个工作进程。
//
//     curl localhost:8080/          curl localhost:8080/throw

#include <algorithm>
#include <map>
#include <vector>

#include "notes/notes.h"

using baton::ForkedChild;
using baton::net::Native;
using baton::net::Socket;

namespace {

class Primary {
 public:
  Primary(baton::Process& self, const notes::Settings& settings)
      : self_(self), module_(settings.worker), server_(baton::net::listen(self.loop(), settings.endpoint())) {
    for (unsigned i = 0; i < settings.count; ++i) start_worker();
    server_.on_connection([this](Socket socket) { hand_over(std::move(socket)); });
    notes::say("listening on port " + std::to_string(server_.local().port()));
  }

 private:
  void start_worker() {
    ForkedChild& worker = self_.fork(module_);
    const pid_t pid = worker.pid();
    in_turn_.push_back(&worker);
    notes::say("worker " + std::to_string(pid));
    worker.on_message([this, &worker, pid](const baton::Message& message) {
      if (message.value() == baton::Value("ready")) ready_[pid] = true;
      // It answers those that it has, and gets no more.  它答完手上的连接，不再接新的。
      if (const std::string* what = message.value()["uncaught"].get_if_string()) {
        uncaught_[pid] = *what;
        std::erase(in_turn_, &worker);
      }
    });
    worker.on_unsent([this](Native connection, const baton::Error&) {
      if (auto socket = Socket::adopt(self_.loop(), connection.release())) hand_over(std::move(*socket));
    });
    worker.on_exit([this, &worker, pid](const baton::ExitStatus& status) {
      std::erase(in_turn_, &worker);
      on_worker_end(pid, status);
    });
  }

  void on_worker_end(pid_t pid, const baton::ExitStatus& status) {
    const std::string cause = uncaught_.contains(pid) ? uncaught_[pid] : status.describe();
    notes::say("worker " + std::to_string(pid) + " died of: " + cause);
    // One that cannot even begin would be replaced for ever.
    // 连启动都做不到的，不能无休止地替换。
    if (!ready_.contains(pid)) return self_.exit(1);
    ready_.erase(pid);
    uncaught_.erase(pid);
    start_worker();
    for (Socket& socket : std::exchange(waiting_, {})) hand_over(std::move(socket));
  }

  void hand_over(Socket socket) {
    if (in_turn_.empty()) {
      waiting_.push_back(std::move(socket));
      return;
    }
    std::ranges::rotate(in_turn_, in_turn_.begin() + 1);
    in_turn_.back()->send("connection", std::move(socket));
  }

  baton::Process& self_;
  std::string module_;
  baton::net::Server server_;
  std::vector<ForkedChild*> in_turn_;
  std::vector<Socket> waiting_;
  std::map<pid_t, bool> ready_;
  std::map<pid_t, std::string> uncaught_;
};

baton::Task<> primary(baton::Process& self, const notes::Settings& settings) {
  const Primary service(self, settings);
  co_await notes::asked_to_end(self);
  self.exit(0);
}

}  // namespace

int main(int argc, char** argv) {
  return notes::run_primary(
      argc, argv,
      {.name = "notes_exceptions_primary",
       .does = "A worker that throws is reported and replaced; GET /throw makes one throw.",
       .zh = "工作进程抛出异常后会被报告并替换；GET /throw 让它抛出一个。",
       .worker = "notes_exceptions_worker",
       .port = 8080,
       .many = true},
      primary);
}

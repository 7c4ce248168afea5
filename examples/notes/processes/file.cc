// What is started by each call: says how, on its standard output, or over the channel if it has one.
// 被四种方式启动的程序：说出自己是怎样启动的；有通道就发消息，没有就写标准输出。

#include "notes/notes.h"

namespace {

void file(baton::Process& self) {
  std::string text = "started";
  for (const std::string& argument : self.args()) text += " " + argument;
  if (!self.has_parent()) return notes::say(text);
  self.parent().send(text);
}

}  // namespace

int main(int argc, char** argv) {
  // Its arguments are whatever it was started with: only this one alone is for itself.
  // 启动时给的参数原样收下；只有单独一个 --help 才是给它自己的。
  if (argc == 2 && std::string(argv[1]) == "--help") {
    notes::say(
        "Usage: notes_processes_file [ARGUMENT...]\n\n"
        "Says what it was started with: as a message if it has a channel, else on standard output.\n"
        "说出启动时得到的参数：有通道就发消息，没有就写标准输出。");
    return 0;
  }
  return baton::run(argc, argv, {{"file", file}});
}

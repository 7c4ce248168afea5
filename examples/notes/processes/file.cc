// What is started by each call: says how, on its standard output, or over the channel if it has one.

#include "notes/notes.h"

namespace {

void file(baton::Process& self) {
  std::string text = "started";
  for (const std::string& argument : self.args()) text += " " + argument;
  if (!self.has_parent()) return notes::say(text);
  self.parent().send(text);
}

}  // namespace

int main(int argc, char** argv) { return baton::run(argc, argv, {{"file", file}}); }

#include "cli/channel_choice.h"

#include <elf.h>
#include <gtest/gtest.h>
#include <link.h>
#include <sys/stat.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "cli/program_file.h"
#include "process/program_note.h"

namespace baton::cli {
namespace {

// A folder with programs of all kinds.
class ChannelChoice : public testing::Test {
 protected:
  ChannelChoice() {
    std::string pattern = testing::TempDir() + "baton-XXXXXX";
    root = ::mkdtemp(pattern.data());
  }
  ~ChannelChoice() override { std::filesystem::remove_all(root); }

  void make(const std::string& name, const std::string& text) const {
    std::ofstream(root + "/" + name) << text;
    ::chmod((root + "/" + name).c_str(), 0755);
  }
  [[nodiscard]] Speech speech(const std::string& file, bool takes_sockets = false) const {
    Program program;
    program.module = file;
    return speech_of(program, root, takes_sockets);
  }

  std::string root;
};

TEST_F(ChannelChoice, HasNoneForLanguagesThatDoNotSpeak) {
  for (const char* name : {"/usr/bin/python3", "./python3.11", "pypy3", "/usr/bin/ruby3.1", "php", "php8.2",
                           "php-fpm", "/opt/jdk/bin/java", "perl5.36-x86_64-linux-gnu"}) {
    EXPECT_EQ(speech(name), Speech::none) << name;
  }
}

TEST_F(ChannelChoice, LooksWhoRunsAScript) {
  make("gunicorn", "#!/srv/venv/bin/python3\n");
  make("env_gunicorn", "#!/usr/bin/env -S PYTHONUNBUFFERED=1 python3 -u\n");
  make("www", "#!/usr/bin/env node\n");
  make("entrypoint", "#!/bin/sh -e\n");
  make("python3", "#!/bin/bash\nexec pyenv exec python3 \"$@\"\n");
  EXPECT_EQ(speech("./gunicorn"), Speech::none);
  EXPECT_EQ(speech("./env_gunicorn"), Speech::none);
  EXPECT_EQ(speech("./www"), Speech::node);
  EXPECT_EQ(speech("./entrypoint"), Speech::node);
  EXPECT_EQ(speech("./python3"), Speech::none) << "a script that looks for the right version";
}

TEST_F(ChannelChoice, GivesOneToWhoMayStartNode) {
  for (const char* name : {"/bin/sh", "/usr/bin/env", "./javascriptcore", "./rubylike", "./app"}) {
    EXPECT_EQ(speech(name), Speech::node) << name;
  }
}

TEST_F(ChannelChoice, GivesOneBesideSocketsToNodeAndBatonAlone) {
  make("www", "#!/usr/bin/env node\n");
  for (const char* name : {"/usr/bin/node", "./www"}) EXPECT_EQ(speech(name, true), Speech::node) << name;
  for (const char* name : {"/bin/sh", "./app"}) EXPECT_EQ(speech(name, true), Speech::none) << name;
  Program script;
  script.module = "app.js";
  script.interpreter = "/usr/bin/node";
  EXPECT_EQ(speech_of(script, root, true), Speech::node);
}

// A program's file that has nothing but notes: somebody else's, and `last`.
template <class Note>
std::string with_notes(const Note& last) {
  std::string notes;
  const auto append = [](std::string& to, const auto& what) {
    to.append(reinterpret_cast<const char*>(&what), sizeof what);
  };
  append(notes, ProgramNote{.name_size = 4, .type = 3, .name = "GNU"});
  notes.erase(16, 4);  // its name is shorter
  append(notes, last);
  ElfW(Ehdr) header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_phoff = sizeof header;
  header.e_phentsize = sizeof(ElfW(Phdr));
  header.e_phnum = 1;
  ElfW(Phdr) segment{};
  segment.p_type = PT_NOTE;
  segment.p_offset = sizeof header + sizeof segment;
  segment.p_filesz = notes.size();
  std::string file;
  append(file, header);
  append(file, segment);
  return file + notes;
}

TEST_F(ChannelChoice, KnowsAProgramOfTheLibraryByItsNoteWhateverItsName) {
  make("python3", with_notes(ProgramNote()));
  EXPECT_EQ(speech("./python3"), Speech::baton);
  EXPECT_EQ(speech("./python3", true), Speech::baton);
  make("other", with_notes(ProgramNote{.name = "Button"}));
  EXPECT_EQ(speech("./other", true), Speech::none);
}

TEST_F(ChannelChoice, IsNotMisledByFilesThatAreCutOrStrange) {
  EXPECT_FALSE(is_baton_program("/bin/sh"));
  const std::string whole = with_notes(ProgramNote());
  for (std::size_t size = 0; size + sizeof ProgramNote::text + 2 < whole.size(); ++size) {
    make("cut", whole.substr(0, size));
    EXPECT_FALSE(is_baton_program(root + "/cut")) << size;
  }
  make("endless", with_notes(ProgramNote{.name_size = 0xffffffff, .text_size = 0xffffffff}));
  EXPECT_FALSE(is_baton_program(root + "/endless"));
  EXPECT_FALSE(is_baton_program(root + "/absent"));
  EXPECT_FALSE(is_baton_program(root));
}

}  // namespace
}  // namespace baton::cli

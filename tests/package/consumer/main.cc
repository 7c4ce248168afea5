// What a user's first program does: includes a public header and links the library.
#include <cerrno>
#include <iostream>

#include "baton/base/error.h"
#include "baton/base/fd.h"

int main() {
  const baton::Fd none;
  if (none.duplicate()) return 1;
  const auto error = baton::failure(EBADF, "consumer", "dup").error();
  std::cout << error.what() << '\n';
  return error.step() == "dup" ? 0 : 1;
}

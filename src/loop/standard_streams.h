#pragma once

namespace baton {

/// Opens /dev/null in place of a standard stream that is closed: the next socket would get its number, and
/// what is printed would go there; and libuv ends a process that closes such a number. Node does the same.
void open_standard_streams();

}  // namespace baton

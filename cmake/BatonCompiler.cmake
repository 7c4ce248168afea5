# What natural code becomes with Debian 12's compiler: said once, not at each configuration; to who builds Baton and to who uses
# the installed package alike.
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13 AND NOT BATON_TOLD_OF_GCC_12)
  message(STATUS "baton: g++ 12 destroys values made of braces twice within `co_await` expressions: see baton/loop/task.h")
  set(BATON_TOLD_OF_GCC_12 TRUE CACHE INTERNAL "")
endif()

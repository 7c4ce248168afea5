# The program in the READMEs is examples/readme.cc, to the letter.
file(READ ${ROOT}/examples/readme.cc program)
foreach(readme README.md README.zh-CN.md)
  file(READ ${ROOT}/${readme} text)
  string(FIND "${text}" "```cpp\n${program}```" at)
  if(at EQUAL -1)
    message(FATAL_ERROR "${readme} does not show examples/readme.cc as it is")
  endif()
endforeach()

# What every target of this project is compiled and linked with. Users of the installed library get none of it.
add_library(baton_settings INTERFACE)
target_compile_options(baton_settings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual)
# g++ 12 believes that std::expected may read the half it does not hold, and that strings overlap themselves.
target_compile_options(baton_settings INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized -Wno-restrict>)
if(BATON_WERROR)
  target_compile_options(baton_settings INTERFACE -Werror)
endif()
if(BATON_SANITIZE)
  # The check of vtable pointers asks the kernel for a pipe, and takes a process at its descriptor limit for broken.
  target_compile_options(baton_settings INTERFACE -fsanitize=address,undefined -fno-sanitize=vptr
                                                  -fno-sanitize-recover=all -fno-omit-frame-pointer)
  # What the sanitizers keep of each check are pointers: in a program that may lie anywhere, a million of them are made right
  # at each start, and stored twice.
  target_compile_options(baton_settings INTERFACE -fno-pie)
  target_link_options(baton_settings INTERFACE -fsanitize=address,undefined -no-pie)
  # GNU's linker takes eight times as long for a program of this size, and there are sixty.
  find_program(BATON_LLD ld.lld HINTS /usr/lib/llvm-19/bin DOC "LLVM's linker, for sanitized programs")
  if(BATON_LLD)
    get_filename_component(BATON_LLD_FOLDER ${BATON_LLD} DIRECTORY)
    target_link_options(baton_settings INTERFACE -fuse-ld=lld -B${BATON_LLD_FOLDER})
  endif()
else()
  # A worker that maps fewer libraries starts sooner and shares more.
  target_link_options(baton_settings INTERFACE -static-libstdc++ -static-libgcc)
endif()
if(BATON_FUZZ)
  # Coverage for libFuzzer in everything; its main only in the targets of fuzz/.
  target_compile_options(baton_settings INTERFACE -fsanitize=fuzzer-no-link)
endif()
target_link_options(baton_settings INTERFACE -Wl,--gc-sections -Wl,--as-needed)
target_compile_options(baton_settings INTERFACE -ffunction-sections -fdata-sections)

# baton_unity(TARGET): with BATON_UNITY, the target's sources of one folder are compiled as one. Headers are then read, and
# templates made, once; what is hidden in one file must have another name than what is hidden in its neighbour. A build without
# it (the fuzz targets', for all of src) keeps the includes honest.
function(baton_unity target)
  if(NOT BATON_UNITY)
    return()
  endif()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
  get_target_property(sources ${target} SOURCES)
  foreach(source ${sources})
    get_filename_component(folder ${source} ABSOLUTE)
    get_filename_component(folder ${folder} DIRECTORY)
    get_filename_component(folder ${folder} NAME)
    set_source_files_properties(${source} PROPERTIES UNITY_GROUP ${folder})
  endforeach()
endfunction()

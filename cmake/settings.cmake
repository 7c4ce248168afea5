# What every target of this project is compiled and linked with. Users of the installed library get none of it.
add_library(baton_settings INTERFACE)
target_compile_options(baton_settings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual)
if(BATON_WERROR)
  target_compile_options(baton_settings INTERFACE -Werror)
endif()
if(BATON_SANITIZE)
  target_compile_options(baton_settings INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=all
                                                  -fno-omit-frame-pointer)
  target_link_options(baton_settings INTERFACE -fsanitize=address,undefined)
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

# baton::uv: libuv as a static library, so that a program carries it along; as a shared one where there is no other. Used by
# the build and by the installed package alike (CMake itself knows no libuv, and Debian's ships no CMake package).
if(NOT TARGET baton::uv)
  find_library(BATON_UV_LIBRARY NAMES libuv_a.a libuv.a uv DOC "libuv, static if there is one")
  find_path(BATON_UV_INCLUDE uv.h DOC "the folder of uv.h")
  mark_as_advanced(BATON_UV_LIBRARY BATON_UV_INCLUDE)
  if(BATON_UV_LIBRARY AND BATON_UV_INCLUDE)
    add_library(baton::uv UNKNOWN IMPORTED)
    set_target_properties(baton::uv PROPERTIES
      IMPORTED_LOCATION "${BATON_UV_LIBRARY}"
      INTERFACE_INCLUDE_DIRECTORIES "${BATON_UV_INCLUDE}"
      INTERFACE_LINK_LIBRARIES "pthread;dl;rt")
  endif()
endif()

# The agent for another architecture than ours, by a cross compiler that finds the static libraries
# of that architecture by itself, as those of Debian do: after `dpkg --add-architecture arm64`, the
# packages g++-aarch64-linux-gnu and libarchive-dev, libacl1-dev, libzstd-dev with `:arm64`. xxHash is
# its header alone, which no architecture has of its own.
#
# slipway_cross_agent(<architecture> <compiler> <sources>...) makes slipway_agent_<architecture>, a
# program that slipway_embed_agents takes, or says why there is none.
set(slipway_cross_flags -std=gnu++20 -Os -g0 -ffunction-sections -fdata-sections)
set(slipway_cross_libraries -static -Wl,--gc-sections -s -larchive -lacl -lzstd)

function(slipway_cross_agent architecture compiler)
  if(NOT compiler)
    message(STATUS "no agent for ${architecture}: no cross compiler (cmake/cross_agent.cmake)")
    return()
  endif()
  set(directory ${CMAKE_CURRENT_BINARY_DIR}/${architecture})
  file(WRITE ${directory}/check.cpp
    "#include <archive.h>\n#include <sys/acl.h>\n#include <xxhash.h>\n#include <zstd.h>\n"
    "int main() { return archive_version_number() == 0 || ZSTD_versionNumber() == 0; }\n")
  execute_process(COMMAND ${compiler} ${slipway_cross_flags} ${directory}/check.cpp
    -o ${directory}/check ${slipway_cross_libraries} RESULT_VARIABLE failed ERROR_VARIABLE words)
  if(failed)
    string(REGEX MATCH "[^\n]*(error|cannot find)[^\n]*" words "${words}")
    message(STATUS "no agent for ${architecture}: ${words}")
    return()
  endif()
  set(objects)
  foreach(source IN LISTS ARGN)
    get_filename_component(source ${source} ABSOLUTE)
    get_filename_component(name ${source} NAME)
    get_source_file_property(options ${source} COMPILE_OPTIONS)
    get_source_file_property(definitions ${source} COMPILE_DEFINITIONS)
    set(own)
    if(options)
      list(APPEND own ${options})
    endif()
    if(definitions)
      list(TRANSFORM definitions PREPEND -D)
      list(APPEND own ${definitions})
    endif()
    add_custom_command(OUTPUT ${directory}/${name}.o
      COMMAND ${compiler} ${slipway_cross_flags} ${own} -DSLIPWAY_VERSION="${PROJECT_VERSION}"
        -I${CMAKE_CURRENT_SOURCE_DIR} -I${PROJECT_SOURCE_DIR}/core/src -I${PROJECT_SOURCE_DIR}/core/include
        -MD -MF ${directory}/${name}.d -c ${source} -o ${directory}/${name}.o
      DEPENDS ${source} DEPFILE ${directory}/${name}.d VERBATIM)
    list(APPEND objects ${directory}/${name}.o)
  endforeach()
  set(program ${directory}/slipway-agent)
  add_custom_command(OUTPUT ${program}
    COMMAND ${compiler} ${objects} -o ${program} ${slipway_cross_libraries}
    DEPENDS ${objects} VERBATIM)
  add_custom_target(slipway_agent_${architecture}_file DEPENDS ${program})
  add_executable(slipway_agent_${architecture} IMPORTED GLOBAL)
  set_target_properties(slipway_agent_${architecture} PROPERTIES IMPORTED_LOCATION ${program})
  add_dependencies(slipway_agent_${architecture} slipway_agent_${architecture}_file)
endfunction()

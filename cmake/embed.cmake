# Puts a file into a program: slipway_embed(<target> <file> <function>) adds a generated source to
# the target that defines `std::string_view slipway::core::<function>() noexcept`.
# The build runs this file again, as a script, whenever the embedded file changes.
#
# slipway_embed_agents(<target> [<architecture> <program target>]...) defines what
# core/src/agent/embedded.hpp declares, from programs of this build. The assembler copies their
# bytes: an array of a million numbers would take the compiler many seconds.
if(CMAKE_SCRIPT_MODE_FILE AND DEFINED AGENTS)
  set(data "")
  set(declarations "")
  set(rows "")
  while(AGENTS)
    list(POP_FRONT AGENTS architecture file)
    file(SHA256 "${file}" digest)
    file(SIZE "${file}" size)
    set(symbol slipway_agent_${architecture})
    string(APPEND data
      "    \".balign 16\\n\"\n    \"${symbol}:\\n\"\n    \".incbin \\\"${file}\\\"\\n\"\n")
    string(APPEND declarations "extern \"C\" const char ${symbol}[];\n")
    string(APPEND rows
      "    {\"${architecture}\", {${symbol}, ${size}}, \"${digest}\"},\n")
  endwhile()
  set(text "// The agents that this build made, written by embed.cmake.\n#include \"agent/embedded.hpp\"\n")
  if(rows)
    string(APPEND text
      "__asm__(\n    \".pushsection .rodata\\n\"\n${data}    \".popsection\\n\"\n);\n${declarations}"
      "namespace slipway::agent {\n"
      "namespace {\nconst EmbeddedAgent agents[] = {\n${rows}};\n}\n"
      "std::span<const EmbeddedAgent> embedded_agents() noexcept\n{\n    return agents;\n}\n"
      "} // namespace slipway::agent\n")
  else()
    string(APPEND text
      "namespace slipway::agent {\n"
      "std::span<const EmbeddedAgent> embedded_agents() noexcept\n{\n    return {};\n}\n"
      "} // namespace slipway::agent\n")
  endif()
  file(WRITE "${OUTPUT}" "${text}")
  return()
endif()
if(CMAKE_SCRIPT_MODE_FILE)
  file(READ "${INPUT}" hex HEX)
  if(hex STREQUAL "")
    message(FATAL_ERROR "${INPUT} is empty")
  endif()
  string(REGEX REPLACE "(................................)" "\\1\n" lines "${hex}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${lines}")
  get_filename_component(name "${INPUT}" NAME)
  file(WRITE "${OUTPUT}"
    "// The bytes of ${name}, written by embed.cmake.\n"
    "#include <string_view>\n"
    "namespace slipway::core {\n"
    "std::string_view ${FUNCTION}() noexcept;\n"
    "namespace {\nconstexpr unsigned char bytes[] = {\n${bytes}\n};\n}\n"
    "std::string_view ${FUNCTION}() noexcept\n"
    "{\n    return {reinterpret_cast<const char*>(bytes), sizeof bytes};\n}\n"
    "} // namespace slipway::core\n")
  return()
endif()

set(slipway_embed_script ${CMAKE_CURRENT_LIST_FILE})

function(slipway_embed target input function)
  get_filename_component(input ${input} ABSOLUTE)
  set(output ${CMAKE_CURRENT_BINARY_DIR}/${function}.cpp)
  add_custom_command(OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -DINPUT=${input} -DOUTPUT=${output} -DFUNCTION=${function}
      -P ${slipway_embed_script}
    DEPENDS ${input} ${slipway_embed_script} VERBATIM)
  target_sources(${target} PRIVATE ${output})
endfunction()

function(slipway_embed_agents target)
  set(output ${CMAKE_CURRENT_BINARY_DIR}/embedded_agents.cpp)
  set(agents)
  set(programs)
  while(ARGN)
    list(POP_FRONT ARGN architecture program)
    list(APPEND agents ${architecture} $<TARGET_FILE:${program}>)
    list(APPEND programs ${program})
  endwhile()
  add_custom_command(OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} "-DAGENTS=${agents}" -DOUTPUT=${output} -P ${slipway_embed_script}
    DEPENDS ${programs} ${slipway_embed_script} VERBATIM)
  # In a unity build its assembler text would be a part of another file's.
  set_source_files_properties(${output} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  target_sources(${target} PRIVATE ${output})
endfunction()

# Puts a file into a program: slipway_embed(<target> <file> <function>) adds a generated source to
# the target that defines `std::string_view slipway::core::<function>() noexcept`.
# The build runs this file again, as a script, whenever the embedded file changes.
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

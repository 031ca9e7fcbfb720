# SPDX-License-Identifier: MIT
# dld_embed(TARGET FILE NAME): compiles the bytes of FILE into the target, as
# `const unsigned char NAME[]` and `const size_t NAME_len`, declared in the
# header NAME.h.
function(dld_embed target file name)
    set(source "${CMAKE_CURRENT_SOURCE_DIR}/${file}")
    set(folder "${CMAKE_CURRENT_BINARY_DIR}/embedded")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${source}")
    file(READ "${source}" bytes HEX)
    string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
    string(REGEX REPLACE "(....................................................................................................)"
        "\\1\n" bytes "${bytes}")
    file(CONFIGURE OUTPUT "${folder}/${name}.h" @ONLY CONTENT
"#include <stddef.h>
extern const unsigned char @name@[];
extern const size_t @name@_len;
")
    file(CONFIGURE OUTPUT "${folder}/${name}.c" @ONLY CONTENT
"#include \"@name@.h\"
const unsigned char @name@[] = {
@bytes@};
const size_t @name@_len = sizeof @name@;
")
    target_sources(${target} PRIVATE "${folder}/${name}.c")
    target_include_directories(${target} PRIVATE "${folder}")
endfunction()

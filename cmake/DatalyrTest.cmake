# SPDX-License-Identifier: MIT
# The two ways to add a test. tools/run-tests.py runs what is added here and
# counts each TAP line; plain ctest works as well.
#
#   datalyr_add_test(NAME queue_log SOURCES log_test.c
#       [LIBS targets] [LABELS labels] [TIMEOUT seconds] [SERIAL])
#     A cmocka program. It links datalyr_static unless LIBS names something
#     else, and may include the internal headers.
#
#   datalyr_add_script_test(NAME e2e_flush SCRIPT flush.py
#       [ARGS args] [LABELS labels] [TIMEOUT seconds] [SERIAL])
#     A Python program that prints TAP.
#
# Both find in their environment: DATALYR_BIN and DATALYR_LIB (folders of the
# built programs and libraries), DATALYR_SOURCE (root of the project),
# DATALYR_BUILD (build folder). Labels with a meaning: slow (.ci/run only),
# unit (also run under valgrind), no-asan, no-tsan (not in those builds).

find_package(Python3 3.9 COMPONENTS Interpreter)
if(NOT Python3_FOUND)
    message(FATAL_ERROR "the tests need python3\n  try: tools/install-deps.sh")
endif()

set(suppressions "${PROJECT_SOURCE_DIR}/cmake/suppressions")
set(DATALYR_TEST_ENVIRONMENT
    "CMOCKA_MESSAGE_OUTPUT=TAP"
    "DATALYR_BIN=${PROJECT_BINARY_DIR}/bin"
    "DATALYR_LIB=${PROJECT_BINARY_DIR}/lib"
    "DATALYR_SOURCE=${PROJECT_SOURCE_DIR}"
    "DATALYR_BUILD=${PROJECT_BINARY_DIR}"
    "DATALYR_SANITIZE=${DATALYR_SANITIZE}"
    "ASAN_OPTIONS=allocator_may_return_null=1:detect_leaks=1:detect_stack_use_after_return=1"
    "UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1"
    "LSAN_OPTIONS=suppressions=${suppressions}/lsan.txt:print_suppressions=0"
    "TSAN_OPTIONS=allocator_may_return_null=1:halt_on_error=1:second_deadlock_stack=1:suppressions=${suppressions}/tsan.txt")

# Labels say which builds a test does not suit; the property follows them.
function(datalyr_set_test_properties name labels timeout serial)
    if(NOT timeout)
        set(timeout 60)
    endif()
    if(DATALYR_SANITIZE)
        math(EXPR timeout "${timeout} * 4")
    endif()
    set_tests_properties(${name} PROPERTIES
        ENVIRONMENT "${DATALYR_TEST_ENVIRONMENT}"
        LABELS "${labels}" TIMEOUT ${timeout} RUN_SERIAL ${serial})
    if((DATALYR_SANITIZE MATCHES "address" AND "no-asan" IN_LIST labels) OR
       (DATALYR_SANITIZE MATCHES "thread" AND "no-tsan" IN_LIST labels))
        set_tests_properties(${name} PROPERTIES DISABLED TRUE)
    endif()
endfunction()

function(datalyr_add_test)
    cmake_parse_arguments(arg "SERIAL" "NAME;TIMEOUT" "SOURCES;LIBS;LABELS" ${ARGN})
    if(NOT arg_LIBS)
        set(arg_LIBS datalyr_static)
    endif()
    add_executable(test_${arg_NAME} ${arg_SOURCES})
    set_target_properties(test_${arg_NAME} PROPERTIES
        OUTPUT_NAME ${arg_NAME}
        RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests")
    target_compile_definitions(test_${arg_NAME} PRIVATE _GNU_SOURCE)
    target_include_directories(test_${arg_NAME} PRIVATE
        "${PROJECT_SOURCE_DIR}/tests")
    target_link_libraries(test_${arg_NAME} PRIVATE
        dlr_flags ${arg_LIBS} PkgConfig::CMOCKA Threads::Threads)
    add_test(NAME ${arg_NAME} COMMAND test_${arg_NAME})
    datalyr_set_test_properties(${arg_NAME} "${arg_LABELS}" "${arg_TIMEOUT}"
        ${arg_SERIAL})
endfunction()

function(datalyr_add_script_test)
    cmake_parse_arguments(arg "SERIAL" "NAME;SCRIPT;TIMEOUT" "ARGS;LABELS" ${ARGN})
    get_filename_component(script "${arg_SCRIPT}" ABSOLUTE
        BASE_DIR "${CMAKE_CURRENT_SOURCE_DIR}")
    add_test(NAME ${arg_NAME}
        COMMAND ${Python3_EXECUTABLE} -B -u "${script}" ${arg_ARGS}
        WORKING_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}")
    datalyr_set_test_properties(${arg_NAME} "${arg_LABELS}" "${arg_TIMEOUT}"
        ${arg_SERIAL})
endfunction()

#   datalyr_add_fuzzer(NAME json SOURCES json_fuzz.c [LIBS targets]
#       [CORPUS folder])
#     With DATALYR_FUZZ a libFuzzer program, build/fuzz/fuzz/NAME. In every
#     other build a test that replays the corpus (the folder NAME beside the
#     CMakeLists.txt), so that what once crashed stays mended.
function(datalyr_add_fuzzer)
    cmake_parse_arguments(arg "" "NAME;CORPUS" "SOURCES;LIBS" ${ARGN})
    if(NOT arg_LIBS)
        set(arg_LIBS datalyr_static)
    endif()
    if(NOT arg_CORPUS)
        set(arg_CORPUS corpus/${arg_NAME})
    endif()
    set(corpus "${CMAKE_CURRENT_SOURCE_DIR}/${arg_CORPUS}")
    set(target fuzz_${arg_NAME})
    if(DATALYR_FUZZ)
        add_executable(${target} ${arg_SOURCES})
        target_link_options(${target} PRIVATE -fsanitize=fuzzer)
    else()
        add_executable(${target} ${arg_SOURCES}
            "${PROJECT_SOURCE_DIR}/tests/fuzz/replay.c")
        add_test(NAME ${target} COMMAND ${target} "${corpus}")
        datalyr_set_test_properties(${target} "" 60 FALSE)
    endif()
    set_target_properties(${target} PROPERTIES
        OUTPUT_NAME ${arg_NAME}
        RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/fuzz")
    target_compile_definitions(${target} PRIVATE _GNU_SOURCE)
    target_link_libraries(${target} PRIVATE dlr_flags ${arg_LIBS})
endfunction()

# dtrain_test(name SOURCES a.cpp ... LIBRARIES dtrain_base ... [LABELS unit] [RANKS 1 2 4] [ARGS ...])
#
# One executable of GoogleTest cases and one ctest entry for it, labelled `unit` unless said otherwise.
# With RANKS the executable has its own main (tests/support/mpi_main) and is started by mpirun once for
# each number of ranks, label `mpi`.
#
# The targets unit_tests and base_tests build the executables of that label and those without torch. In a
# sanitizer flavour the unit tests without torch have the label `sanitizer` too: LibTorch is not
# instrumented, and its threads are unknown to the thread sanitizer.
add_custom_target(unit_tests)
add_custom_target(base_tests)

function(dtrain_test name)
  cmake_parse_arguments(PARSE_ARGV 1 T "" "TIMEOUT" "SOURCES;LIBRARIES;LABELS;RANKS;ARGS")
  if(NOT T_TIMEOUT)
    set(T_TIMEOUT 120)
  endif()
  add_executable(${name} ${T_SOURCES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(${name} PRIVATE ${T_LIBRARIES})
  target_compile_definitions(${name} PRIVATE
    DTRAIN_SOURCE_DIR="${PROJECT_SOURCE_DIR}" DTRAIN_BINARY="$<TARGET_FILE:dtrain>")
  if("dtrain_core" IN_LIST T_LIBRARIES)
    # Same flags as dtrain_core, so that its precompiled header serves the tests too: gcc ignores one that
    # was made with -fPIC in a compilation with -fPIE, which is what CMake gives executables.
    set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(${name} PRIVATE -fPIC ${OpenMP_CXX_FLAGS})
    target_precompile_headers(${name} REUSE_FROM dtrain_core)
  endif()
  if(T_RANKS)
    if(NOT T_LABELS)
      set(T_LABELS mpi)
    endif()
    target_link_libraries(${name} PRIVATE dtrain_mpi_main GTest::gtest)
    foreach(ranks ${T_RANKS})
      add_test(NAME ${name}_np${ranks}
        COMMAND ${PROJECT_SOURCE_DIR}/tests/support/mpirun.sh ${ranks} $<TARGET_FILE:${name}> ${T_ARGS})
      set_tests_properties(${name}_np${ranks} PROPERTIES
        LABELS "${T_LABELS}" TIMEOUT ${T_TIMEOUT} PROCESSORS 2)
    endforeach()
  else()
    if(NOT T_LABELS)
      set(T_LABELS unit)
    endif()
    if("unit" IN_LIST T_LABELS)
      add_dependencies(unit_tests ${name})
      if(NOT T_LIBRARIES MATCHES "dtrain_(core|dist)|torch")
        add_dependencies(base_tests ${name})
        if(DTRAIN_SANITIZE)
          list(APPEND T_LABELS sanitizer)
        endif()
      endif()
    endif()
    target_link_libraries(${name} PRIVATE GTest::gtest_main GTest::gtest)
    add_test(NAME ${name} COMMAND ${name} ${T_ARGS})
    set_tests_properties(${name} PROPERTIES LABELS "${T_LABELS}" TIMEOUT ${T_TIMEOUT})
  endif()
endfunction()

# dtrain_test(name SOURCES a.cpp ... LIBRARIES dtrain_base ... [LABELS unit] [RANKS 1 2 4] [ARGS ...]
#             [COST seconds] [THREADS] [GPU])
#
# One executable of GoogleTest cases and one ctest entry for it, labelled `unit` unless said otherwise.
# With RANKS the executable has its own main (tests/support/mpi_main) and is started by mpirun once for
# each number of ranks, label `mpi`. COST is about how many seconds it takes, where that is more than a
# few: ctest starts long tests first. GPU: where the GPU program is built, the same objects are linked with
# its device room too, label `cuda`.
#
# The targets unit_tests and base_tests build the executables of that label and those without torch. In the
# address flavour the unit tests without torch have the label `sanitizer` too: LibTorch is not instrumented.
# In the thread flavour only those marked THREADS have it, whose code has threads (target thread_tests).
add_custom_target(unit_tests)
add_custom_target(base_tests)
add_custom_target(thread_tests)

# Compiled with little optimisation: only the libraries' speed matters. And with a precompiled header of
# GoogleTest, with LibTorch's or without: tests/support/CMakeLists.txt.
function(dtrain_test_objects name libraries)
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/src)
  # gcc ignores a precompiled header that was made with -fPIC in a compilation with -fPIE, which is what
  # CMake gives executables.
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
  target_compile_options(${name} PRIVATE -fPIC -O0)
  target_compile_definitions(${name} PRIVATE GTEST_HAS_PTHREAD=1)  # as GTest::gtest gives the header
  if(libraries MATCHES "dtrain_(core|dist)")
    target_compile_options(${name} PRIVATE ${OpenMP_CXX_FLAGS})
    target_precompile_headers(${name} REUSE_FROM dtrain_test_header_torch)
  else()
    target_precompile_headers(${name} REUSE_FROM dtrain_test_header)
  endif()
endfunction()

function(dtrain_test name)
  cmake_parse_arguments(PARSE_ARGV 1 T "THREADS;GPU" "TIMEOUT;COST" "SOURCES;LIBRARIES;LABELS;RANKS;ARGS")
  if(NOT T_TIMEOUT)
    set(T_TIMEOUT 120)
  endif()
  if(NOT T_COST)
    set(T_COST 1)
  endif()
  add_executable(${name} ${T_SOURCES})
  dtrain_test_objects(${name} "${T_LIBRARIES}")
  target_link_libraries(${name} PRIVATE ${T_LIBRARIES})
  if(T_LIBRARIES MATCHES "dtrain_(core|dist)")
    target_link_libraries(${name} PRIVATE dtrain_device_cpu)
  endif()
  target_compile_definitions(${name} PRIVATE
    DTRAIN_SOURCE_DIR="${PROJECT_SOURCE_DIR}" DTRAIN_BINARY="$<TARGET_FILE:dtrain>")
  if(T_RANKS)
    if(NOT T_LABELS)
      set(T_LABELS mpi)
    endif()
    target_link_libraries(${name} PRIVATE dtrain_mpi_main GTest::gtest)
    foreach(ranks ${T_RANKS})
      add_test(NAME ${name}_np${ranks}
        COMMAND ${PROJECT_SOURCE_DIR}/tests/support/mpirun.sh ${ranks} $<TARGET_FILE:${name}> ${T_ARGS})
      set_tests_properties(${name}_np${ranks} PROPERTIES
        LABELS "${T_LABELS}" TIMEOUT ${T_TIMEOUT} PROCESSORS 2 COST ${T_COST})
    endforeach()
  else()
    if(NOT T_LABELS)
      set(T_LABELS unit)
    endif()
    if("unit" IN_LIST T_LABELS)
      add_dependencies(unit_tests ${name})
      if(NOT T_LIBRARIES MATCHES "dtrain_(core|dist)|torch")
        add_dependencies(base_tests ${name})
        if(DTRAIN_SANITIZE AND (T_THREADS OR NOT DTRAIN_SANITIZE STREQUAL thread))
          list(APPEND T_LABELS sanitizer)
        endif()
        if(T_THREADS)
          add_dependencies(thread_tests ${name})
        endif()
      endif()
    endif()
    target_link_libraries(${name} PRIVATE GTest::gtest_main GTest::gtest)
    add_test(NAME ${name} COMMAND ${name} ${T_ARGS})
    set_tests_properties(${name} PROPERTIES LABELS "${T_LABELS}" TIMEOUT ${T_TIMEOUT} COST ${T_COST})
    if(T_GPU AND DTRAIN_CUDA)
      gpu_program(${name} ${T_LIBRARIES} GTest::gtest_main GTest::gtest)
      add_test(NAME ${name}_cuda COMMAND ${name}_cuda ${T_ARGS})
      set_tests_properties(${name}_cuda PROPERTIES LABELS cuda TIMEOUT ${T_TIMEOUT})
    endif()
  endif()
endfunction()

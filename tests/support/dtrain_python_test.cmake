# dtrain_python_test(name SOURCES ... LIBRARIES ...): a test whose program hands files to a Python script
# (tests/support/python.h). Label `python`: the reference Python of the venv must have been set up
# (tests/run.sh --with-python).
function(dtrain_python_test name)
  dtrain_test(${name} ${ARGN} LABELS python)
  target_compile_definitions(${name} PRIVATE DTRAIN_PYTHON="${DTRAIN_SITE_PACKAGES}/../../../bin/python3")
endfunction()

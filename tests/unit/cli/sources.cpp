// The parts of the program that have no outside effect, since the program itself is no library.
#include <../src/doctor_report.cpp>
#include <../src/json_text.cpp>
#include <../src/output.cpp>
#include <../src/printer.cpp>
#include <../src/suggest.cpp>
#include <../src/text.cpp>

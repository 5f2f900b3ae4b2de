#define DOCTEST_CONFIG_IMPLEMENT
#include "support/leaks.hpp"

int main(int argc, char** argv)
{
    return slipway::test::run_without_leaks(argc, argv);
}

#define FASTPROP_BITS 32
#include "specification.h"

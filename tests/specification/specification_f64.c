#define FASTPROP_BITS 64
#include "specification.h"

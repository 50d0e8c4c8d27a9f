//===- cmd_build.cpp - tintype build --------------------------------------===//
#include "frontend/Elaborate.h"
#include "tools/Commands.h"
#include "tools/Pipeline.h"

/* SPDX-License-Identifier: Apache-2.0
 *
 * Element types: their sizes, which run functions ask for, and their names. Two tables, so that firmware that needs the
 * sizes has no names.
 */
#include "engine/linnet.h"

static const uint8_t sizes[LINNET_TYPE_COUNT] = {
    [LINNET_UNDEFINED] = 0,      [LINNET_FLOAT32] = 4,    [LINNET_UINT8] = 1,
    [LINNET_INT8] = 1,           [LINNET_UINT16] = 2,     [LINNET_INT16] = 2,
    [LINNET_INT32] = 4,          [LINNET_INT64] = 8,      [LINNET_STRING] = sizeof(linnet_string),
    [LINNET_BOOL] = 1,           [LINNET_FLOAT16] = 2,    [LINNET_FLOAT64] = 8,
    [LINNET_UINT32] = 4,         [LINNET_UINT64] = 8,     [LINNET_COMPLEX64] = 8,
    [LINNET_COMPLEX128] = 16,    [LINNET_BFLOAT16] = 2,   [LINNET_FLOAT8E4M3FN] = 1,
    [LINNET_FLOAT8E4M3FNUZ] = 1, [LINNET_FLOAT8E5M2] = 1, [LINNET_FLOAT8E5M2FNUZ] = 1,
    [LINNET_UINT4] = 1,          [LINNET_INT4] = 1,       [LINNET_FLOAT4E2M1] = 1,
    [LINNET_FLOAT8E8M0] = 1,     [LINNET_UINT2] = 1,      [LINNET_INT2] = 1,
    [LINNET_FLOAT6E2M3] = 1,     [LINNET_FLOAT6E3M2] = 1,
};

static const char *const names[LINNET_TYPE_COUNT] = {
    [LINNET_UNDEFINED] = "undefined",
    [LINNET_FLOAT32] = "float32",
    [LINNET_UINT8] = "uint8",
    [LINNET_INT8] = "int8",
    [LINNET_UINT16] = "uint16",
    [LINNET_INT16] = "int16",
    [LINNET_INT32] = "int32",
    [LINNET_INT64] = "int64",
    [LINNET_STRING] = "string",
    [LINNET_BOOL] = "bool",
    [LINNET_FLOAT16] = "float16",
    [LINNET_FLOAT64] = "float64",
    [LINNET_UINT32] = "uint32",
    [LINNET_UINT64] = "uint64",
    [LINNET_COMPLEX64] = "complex64",
    [LINNET_COMPLEX128] = "complex128",
    [LINNET_BFLOAT16] = "bfloat16",
    [LINNET_FLOAT8E4M3FN] = "float8e4m3fn",
    [LINNET_FLOAT8E4M3FNUZ] = "float8e4m3fnuz",
    [LINNET_FLOAT8E5M2] = "float8e5m2",
    [LINNET_FLOAT8E5M2FNUZ] = "float8e5m2fnuz",
    [LINNET_UINT4] = "uint4",
    [LINNET_INT4] = "int4",
    [LINNET_FLOAT4E2M1] = "float4e2m1",
    [LINNET_FLOAT8E8M0] = "float8e8m0",
    [LINNET_UINT2] = "uint2",
    [LINNET_INT2] = "int2",
    [LINNET_FLOAT6E2M3] = "float6e2m3",
    [LINNET_FLOAT6E3M2] = "float6e3m2",
};

size_t linnet_type_size(linnet_type type)
{
    return (unsigned)type < LINNET_TYPE_COUNT ? sizes[type] : 0;
}

const char *linnet_type_name(linnet_type type)
{
    return (unsigned)type < LINNET_TYPE_COUNT ? names[type] : "undefined";
}

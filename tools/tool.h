/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the `linnet` program share: subcommands and their options as data, messages, reading and writing
 * of values, printing, JSON. Memory that lives as long as a subcommand comes from an arena of the engine.
 */
#ifndef LN_TOOLS_TOOL_H
#define LN_TOOLS_TOOL_H

#include <stdio.h>

#include "engine/arena.h"
#include "engine/linnet.h"

/* Exit codes. */
enum { LN_EXIT_OK = 0, LN_EXIT_NEGATIVE = 1, LN_EXIT_BAD = 2 };

/* -- args.c: subcommands and options ------------------------------------------------------------------------------ */

typedef struct ln_option {
    const char *name;  /* without the dashes; NULL ends a list */
    char letter;       /* short form, or 0 */
    bool many;         /* may be given more than once */
    const char *value; /* what the value is called in the help; NULL: a flag */
    const char *help;
} ln_option;

typedef struct ln_cli ln_cli;

typedef struct ln_command {
    const char *name;
    const char *usage;              /* after "linnet NAME " */
    const char *what;               /* one line */
    const char *more;               /* further text of the help, or NULL */
    void (*print_more)(FILE *file); /* the same as a function, or NULL */
    const ln_option *options;
    int min_args, max_args;
    int (*run)(const ln_cli *cli);
} ln_command;

typedef struct ln_setting {
    const ln_option *option;
    const char *value;
} ln_setting;

struct ln_cli {
    const ln_command *command;
    int n_args, n_settings;
    const char **args;
    ln_setting *settings;
};

/* The commands, in the order of the help; ends with a NULL name. */
extern const ln_command *const ln_commands[];
extern const ln_command ln_cmd_frontend, ln_cmd_join, ln_cmd_listen, ln_cmd_convert, ln_cmd_compile;
extern const ln_command ln_cmd_run, ln_cmd_classify, ln_cmd_info, ln_cmd_bench, ln_cmd_conformance, ln_cmd_ops,
    ln_cmd_optimize, ln_cmd_kernels;

/* Parses argv (after the command's name) and runs the command. Returns the exit code. */
int ln_cli_main(const ln_command *command, int argc, char **argv);
void ln_cli_help(FILE *file, const ln_command *command);

bool ln_cli_flag(const ln_cli *cli, const char *name);
const char *ln_cli_text(const ln_cli *cli, const char *name, const char *absent); /* the last one given */
/* The value number i of an option that may be repeated; NULL after the last. */
const char *ln_cli_item(const ln_cli *cli, const char *name, int i);
/* A number in [min, max]. False: said what is wrong. */
bool ln_cli_int(const ln_cli *cli, const char *name, int64_t min, int64_t max, int64_t *value);
bool ln_cli_double(const ln_cli *cli, const char *name, double min, double max, double *value);

/* -- messages: print.c -------------------------------------------------------------------------------------------- */

/* "linnet: <text>" on stderr; returns LN_EXIT_BAD. */
int ln_bad(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* "linnet: <about>: <message>"; about may be NULL. */
int ln_bad_error(const char *about, const linnet_error *error);
/* Colours and progress only where somebody looks. */
bool ln_is_terminal(FILE *file);
/* A line on a terminal's stderr that the next one replaces; NULL clears it. */
void ln_progress(const char *format, ...) __attribute__((format(printf, 1, 2)));

double ln_now(void); /* seconds of a steady clock */

/* Element i of a tensor of numbers (a complex one: its real part). */
double ln_element(const linnet_value *v, int64_t i);
/* Sets element i, rounding and saturating to the type. False: not a type of numbers. */
bool ln_element_set(linnet_value *v, int64_t i, double x);

/* "float32[1,3,224,224]" into buf; returns buf. */
const char *ln_value_text(const linnet_value *v, char *buf, size_t size);
const char *ln_declared_text(const linnet_value_info *info, char *buf, size_t size);
/* Name, type, shape and the first max elements. */
void ln_print_value(FILE *file, const char *name, const linnet_value *v, int64_t max);
/* 12345678 as "12.3 M"; bytes as "11.8 MiB". */
const char *ln_count_text(double n, char *buf, size_t size);
const char *ln_bytes_text(double n, char *buf, size_t size);

/* -- json.c: a writer --------------------------------------------------------------------------------------------- */

typedef struct ln_json {
    FILE *file;
    int depth;
    bool first;
} ln_json;

void ln_json_open(ln_json *j, const char *key, char bracket); /* '{' or '['; key NULL: none */
void ln_json_close(ln_json *j, char bracket);
void ln_json_text(ln_json *j, const char *key, const char *value); /* value NULL: null */
void ln_json_int(ln_json *j, const char *key, int64_t value);
void ln_json_number(ln_json *j, const char *key, double value);
void ln_json_bool(ln_json *j, const char *key, bool value);
void ln_json_end(ln_json *j); /* a newline after the outermost value */

/* -- values and files: io_tensor.c, io_npy.c, io_image.c, preset.c ------------------------------------------------ */

typedef struct ln_bytes {
    uint8_t *data;
    size_t size;
} ln_bytes;

/* A whole file, with a zero byte behind it that size does not count. False: said what is wrong. */
bool ln_read_file(ln_arena *arena, const char *path, ln_bytes *bytes);
bool ln_write_file(const char *path, const void *head, size_t head_size, const void *data, size_t size);
bool ln_ends_with(const char *text, const char *end); /* any case */
bool ln_starts_with(const char *text, const char *start);

/* A tensor with memory for its elements, zeroed. False: no memory (and said so). */
bool ln_value_new(ln_arena *arena, linnet_value *v, linnet_type type, int32_t rank, const int64_t *dims);

/* The value of a file for a declared input: .npy, .npz (the array of the input's name), .pb, an image (by the preset of
 * that name), or raw elements of the declared type. False: said what is wrong. */
bool ln_value_read(ln_arena *arena, const char *path, const char *preset, const linnet_value_info *info,
                   linnet_value *v);
/* Writes .npy, .pb or raw bytes by the name's end. */
bool ln_value_write(ln_arena *arena, const char *path, const char *name, const linnet_value *v);

bool ln_npy_decode(ln_arena *arena, const char *path, const uint8_t *data, size_t size, linnet_value *v);
/* The array named key (NULL or absent: the only one). */
bool ln_npz_decode(ln_arena *arena, const char *path, const ln_bytes *file, const char *key, linnet_value *v);
/* Whether the archive has an array of that name. */
bool ln_npz_has(const ln_bytes *file, const char *key);
bool ln_npy_write(ln_arena *arena, const char *path, const linnet_value *v);

/* Pixels as bytes, rows from the top, channels 1 or 3 (alpha is laid over black). */
typedef struct ln_image {
    int32_t width, height, channels;
    uint8_t *data;
} ln_image;

bool ln_is_image(const char *path);
bool ln_image_read(ln_arena *arena, const char *path, ln_image *image);

typedef enum ln_resize { LN_RESIZE_CROP, LN_RESIZE_STRETCH, LN_RESIZE_PAD } ln_resize;

/* How an image becomes a tensor: resize, then (pixel * scale - mean) / std per channel. */
typedef struct ln_preset {
    const char *name, *what;
    ln_resize resize;
    float shorter; /* CROP: shorter side over the input's side before the crop; 256 / 224 for ImageNet */
    float scale, mean[3], std[3];
    bool bgr;
    int32_t layout; /* 0: by the input's shape; 'C': NCHW; 'L': NHWC */
} ln_preset;

extern const ln_preset ln_presets[]; /* ends with a NULL name */
const ln_preset *ln_preset_find(const char *name);
/* Fits the image to the declared input. False: said what is wrong. */
bool ln_image_tensor(ln_arena *arena, const ln_image *image, const char *path, const ln_preset *preset,
                     const linnet_value_info *info, linnet_value *v);

/* -- pb: io_tensor.c over the loader --------------------------------------------------------------------------------
 */

/* A serialised TensorProto, SequenceProto, OptionalProto by what is declared (info NULL: a tensor). */
bool ln_pb_read(ln_arena *arena, const char *path, const linnet_value_info *info, linnet_value *v, linnet_error *error);

/* -- inputs of run and bench: inputs.c --------------------------------------------------------------------------------
 */

/* --dim, --shape, --input, --random of a command, applied to a session; `seed` fills what is not read when there is no
 * --random, unless it is negative. The values live in the arena. False: said what is wrong. */
bool ln_feed(const ln_cli *cli, ln_arena *arena, const linnet_model *model, linnet_session *session, int64_t seed);
extern const char ln_feed_help[];
#define LN_FEED_INPUT                                                                                                  \
    {                                                                                                                  \
        "input", 'i', true, "NAME=FILE", "read an input: .npy, .npz, .pb, .png, .jpg, .bmp or raw elements"            \
    }
#define LN_FEED_RANDOM                                                                                                 \
    {                                                                                                                  \
        "random", 'r', false, "SEED", "fill the inputs that are not read with random numbers"                          \
    }
#define LN_FEED_DIM                                                                                                    \
    {                                                                                                                  \
        "dim", 'd', true, "NAME=N", "the size of a named dimension"                                                    \
    }
#define LN_FEED_SHAPE                                                                                                  \
    {                                                                                                                  \
        "shape", 's', true, "INPUT=AxBxC", "the shape of an input"                                                     \
    }
#define LN_FEED_PRESET                                                                                                 \
    {                                                                                                                  \
        "preset", 'p', false, "NAME", "how images become inputs: raw, imagenet or mobilenet (raw)"                     \
    }

/* --threads and --disable-passes into a session. NULL: said what is wrong. */
linnet_session *ln_open_session(const ln_cli *cli, const linnet_model *model, bool profile);
#define LN_SESSION_THREADS                                                                                             \
    {                                                                                                                  \
        "threads", 't', false, "N", "threads (the environment's LINNET_THREADS, or 1)"                                 \
    }
#define LN_SESSION_PASSES                                                                                              \
    {                                                                                                                  \
        "disable-passes", 0, false, "LIST", "passes to leave out, with commas between, or all (but fold and quantize)" \
    }

/* Loads an .onnx or a .tflite (open.c), with a message when it fails. NULL: said what is wrong. */
linnet_model *ln_load(const char *path);

#endif

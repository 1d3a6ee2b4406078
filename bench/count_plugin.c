/* SPDX-License-Identifier: Apache-2.0
 *
 * A plugin for QEMU's emulators of user programs that counts the instructions a program executes, and writes the number
 * to a file: qemu-aarch64 -plugin ./count_plugin.so,out=FILE PROGRAM. Of the interface of plugins (version 1, QEMU 4.2
 * to 8.1, docs/devel/tcg-plugins in its sources) these few lines suffice, and Debian packages no header.
 */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
typedef void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);
typedef void on_exit_of(qemu_plugin_id_t id, void *user);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, on_translation *cb);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb, int op, void *ptr, uint64_t imm);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, on_exit_of *cb, void *user);

extern EXPORT int qemu_plugin_version;
EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv);

EXPORT int qemu_plugin_version = 1;
static uint64_t instructions;
static char path[4096];

/* A block of translated code adds the number of its instructions whenever it runs; 0 is the operation "add". */
static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    (void)id;
    qemu_plugin_register_vcpu_tb_exec_inline(tb, 0, &instructions, qemu_plugin_tb_n_insns(tb));
}

static void at_exit(qemu_plugin_id_t id, void *user)
{
    FILE *f = fopen(path, "w");
    (void)id, (void)user;
    if (f) {
        fprintf(f, "%" PRIu64 "\n", instructions);
        fclose(f);
    }
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv)
{
    (void)info;
    if (argc != 1 || strncmp(argv[0], "out=", 4) != 0 || strlen(argv[0] + 4) >= sizeof path)
        return 1;
    strcpy(path, argv[0] + 4);
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, at_exit, NULL);
    return 0;
}

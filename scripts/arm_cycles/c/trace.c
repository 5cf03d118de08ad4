// A plugin for QEMU's TCG that writes the addresses of the instructions executed
// in [lo, hi), one in hexadecimal to a line:
//
//	qemu-aarch64 -plugin libtrace.so,lo=HEX,hi=HEX,out=FILE program
//
// The declarations are those of version 1 of the plugin interface, as its
// documentation gives them, so that no QEMU headers are needed.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t qemu_plugin_id_t;
typedef struct qemu_info_t qemu_info_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS };

size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t, void (*)(qemu_plugin_id_t, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *, void (*)(unsigned, void *),
                                            enum qemu_plugin_cb_flags, void *);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t, void (*)(qemu_plugin_id_t, void *), void *);

#define EXPORT __attribute__((visibility("default")))

EXPORT int qemu_plugin_version = 1;

static uint64_t lo, hi;
static FILE *out;

static void executed(unsigned cpu, void *address) { fprintf(out, "%llx\n", (unsigned long long)(uintptr_t)address); }

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *block) {
	size_t n = qemu_plugin_tb_n_insns(block);
	for (size_t i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(block, i);
		uint64_t address = qemu_plugin_insn_vaddr(insn);
		if (address >= lo && address < hi)
			qemu_plugin_register_vcpu_insn_exec_cb(insn, executed, QEMU_PLUGIN_CB_NO_REGS, (void *)(uintptr_t)address);
	}
}

static void ended(qemu_plugin_id_t id, void *data) { fclose(out); }

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv) {
	for (int i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "lo=", 3)) lo = strtoull(argv[i] + 3, 0, 16);
		if (!strncmp(argv[i], "hi=", 3)) hi = strtoull(argv[i] + 3, 0, 16);
		if (!strncmp(argv[i], "out=", 4)) out = fopen(argv[i] + 4, "w");
	}
	if (!out) return 1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_atexit_cb(id, ended, 0);
	return 0;
}

/* SPDX-License-Identifier: ISC */
/* Of the interface that QEMU gives its plugins, what record.c uses: version 1, QEMU 4.2 to 8.2. */
#ifndef BENCH_PROFILE_PLUGIN_H
#define BENCH_PROFILE_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#define PLUGIN_VERSION 1

struct qemu_plugin_tb;
struct qemu_plugin_insn;

typedef void (*plugin_translated)(uint64_t id, struct qemu_plugin_tb *block);
typedef void (*plugin_executed)(unsigned cpu, void *data);

/* called by QEMU, found by their names */
extern int qemu_plugin_version;
int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv);

void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, plugin_translated told);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *block, size_t i);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
/* registers: 0, the callback reads none */
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, plugin_executed told,
	int registers, void *data);
typedef void (*plugin_accessed)(unsigned cpu, uint32_t how, uint64_t address, void *data);
#define LOADS_AND_STORES 3
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *insn, plugin_accessed told,
	int registers, int which, void *data);

#endif

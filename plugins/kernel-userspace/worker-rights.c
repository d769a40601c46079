// SPDX-License-Identifier: LGPL-2.1-or-later
/* worker-rights: a filter of system calls for one thread. A worker reads packets of strangers; should one of them take
 * it over, it finds open descriptors of sockets and devices, and no way to a file.
 */
#include "worker.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
#define OWN_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OWN_ARCH AUDIT_ARCH_AARCH64
#else
#define OWN_ARCH 0
#endif

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define RETURN(what) BPF_STMT(BPF_RET | BPF_K, (what))
#define REFUSE RETURN(SECCOMP_RET_ERRNO | EPERM)
#define REFUSE_CALL(number) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (number), 0, 1), REFUSE

/* Numbers above this one belong to another interface of the same machine (x32). */
enum { LAST_CALL = 0x3fffffff };

bool worker_drop_rights(void)
{
	static const struct sock_filter filter[] = {
		LOAD(arch),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OWN_ARCH, 1, 0),
		REFUSE,
		LOAD(nr),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, LAST_CALL, 0, 1),
		REFUSE,
#ifdef SYS_open
		REFUSE_CALL(SYS_open),
		REFUSE_CALL(SYS_creat),
#endif
		REFUSE_CALL(SYS_openat),
		REFUSE_CALL(SYS_openat2),
		REFUSE_CALL(SYS_open_by_handle_at),
		REFUSE_CALL(SYS_execve),
		REFUSE_CALL(SYS_execveat),
		REFUSE_CALL(SYS_ptrace),
		REFUSE_CALL(SYS_process_vm_readv),
		REFUSE_CALL(SYS_process_vm_writev),
		REFUSE_CALL(SYS_socket),
		REFUSE_CALL(SYS_connect),
		REFUSE_CALL(SYS_bpf),
		REFUSE_CALL(SYS_mount),
		RETURN(SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = sizeof(filter) / sizeof(filter[0]),
				      .filter = (struct sock_filter *)(unsigned long)filter };

	if (!OWN_ARCH || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return false;
	return !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
}

"""The system calls that are denied in a child, by purpose: the policy, apart from how it is put in force."""

from __future__ import annotations

DENIED_BY_PURPOSE = {
    "other processes": "fork vfork execve execveat setsid setpgid unshare setns",
    "signals to others": "kill tkill rt_sigqueueinfo rt_tgsigqueueinfo pidfd_open pidfd_send_signal pidfd_getfd",
    "others' memory": (
        "ptrace process_vm_readv process_vm_writev process_madvise process_mrelease kcmp move_pages migrate_pages"
    ),
    "the network": "socket connect bind listen accept accept4",
    "memory that outlives a child": (
        "shmget shmat shmctl shmdt semget semop semtimedop semctl msgget msgsnd msgrcv msgctl mq_open mq_unlink "
        "mq_timedsend mq_timedreceive mq_notify mq_getsetattr memfd_create memfd_secret"
    ),
    "modes and owners": (
        "chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat setxattr lsetxattr fsetxattr setxattrat "
        "removexattr lremovexattr fremovexattr removexattrat mknod mknodat chroot utime utimes utimensat futimesat"
    ),
    # a tree that is entered step by step grows a thousand deep before anybody has looked; by its path it does not
    "entering folders": "chdir fchdir",
    "identity": (
        "setuid setgid setreuid setregid setresuid setresgid setfsuid setfsgid setgroups capset personality"
    ),
    "priority": "setpriority ioprio_set sched_setscheduler sched_setattr sched_setparam",
    "mounts": (
        "mount umount umount2 pivot_root move_mount open_tree fsopen fsconfig fsmount fspick mount_setattr quotactl "
        "quotactl_fd swapon swapoff open_by_handle_at name_to_handle_at fanotify_init "
        "fanotify_mark inotify_init inotify_init1 inotify_add_watch"
    ),
    "the kernel": (
        "io_uring_setup io_uring_enter io_uring_register bpf perf_event_open userfaultfd keyctl add_key request_key "
        "modify_ldt kexec_load kexec_file_load init_module finit_module delete_module reboot acct iopl ioperm syslog "
        "vhangup sethostname setdomainname settimeofday clock_settime adjtimex clock_adjtime lookup_dcookie "
        "vmsplice nfsservctl uselib "
        "io_setup io_destroy io_submit io_cancel io_getevents io_pgetevents"  # a number that the machine has once
    ),
}  # fmt: skip

DENIED = tuple(name for names in DENIED_BY_PURPOSE.values() for name in names.split())

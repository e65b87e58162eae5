/* SPDX-License-Identifier: MIT */
/* Reads /proc. From: stage.c. A process that ends meanwhile is just not found. */
#include "tests/crash/kin.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

static void take_thread(pid_t pid, const char *thread, struct kin *kin)
{
	char path[320];
	int child;
	snprintf(path, sizeof(path), "/proc/%d/task/%s/children", (int)pid, thread);
	FILE *f = fopen(path, "r");
	while (f != NULL && kin->n < KIN_MAX && fscanf(f, "%d", &child) == 1)
		kin->pid[kin->n++] = (pid_t)child;
	if (f != NULL)
		fclose(f);
}

static void add_children(pid_t pid, struct kin *kin)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	DIR *dir = opendir(path);
	for (struct dirent *e; dir != NULL && (e = readdir(dir)) != NULL;)
		if (e->d_name[0] != '.')
			take_thread(pid, e->d_name, kin);
	if (dir != NULL)
		closedir(dir);
}

void kin_children(pid_t pid, struct kin *ret_kin)
{
	ret_kin->n = 0;
	add_children(pid, ret_kin);
}

void kin_all(pid_t pid, struct kin *ret_kin)
{
	ret_kin->pid[0] = pid;
	ret_kin->n = 1;
	for (size_t i = 0; i < ret_kin->n; i++)
		add_children(ret_kin->pid[i], ret_kin);
}

bool kin_named(pid_t pid, const char *name)
{
	char path[64], comm[32] = "";
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	FILE *f = fopen(path, "r");
	bool same = f != NULL && fgets(comm, sizeof(comm), f) != NULL;
	if (f != NULL)
		fclose(f);
	comm[strcspn(comm, "\n")] = '\0';
	return same && strcmp(comm, name) == 0;
}

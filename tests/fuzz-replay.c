// SPDX-License-Identifier: LGPL-2.1-or-later
/* fuzz-replay: feeds every file of the folders (or files) it is given to LLVMFuzzerTestOneInput(), each in a heap block
 * of exactly its size, so that a read past the end is seen. An empty corpus is a failure: a check that cannot fail is
 * none.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *path)
{
	FILE *file = fopen(path, "rb");
	struct stat st;

	if (!file || fstat(fileno(file), &st) || !S_ISREG(st.st_mode)) {
		fprintf(stderr, "fuzz-replay: cannot read %s\n", path);
		exit(1);
	}
	size_t size = (size_t)st.st_size;
	uint8_t *data = malloc(size ? size : 1);
	if (!data || fread(data, 1, size, file) != size)
		exit(1);
	fclose(file);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	return 1;
}

int main(int argc, char **argv)
{
	int n = 0;

	for (int i = 1; i < argc; i++) {
		DIR *dir = opendir(argv[i]);
		if (!dir) {
			n += replay(argv[i]);
			continue;
		}
		for (struct dirent *entry; (entry = readdir(dir));) {
			char path[4096];
			if (entry->d_name[0] == '.')
				continue;
			snprintf(path, sizeof(path), "%s/%s", argv[i], entry->d_name);
			n += replay(path);
		}
		closedir(dir);
	}
	printf("%d inputs\n", n);
	return n ? 0 : 1;
}

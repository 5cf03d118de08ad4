// Calls one kernel of a library of ggml's: peer LIBRARY FUNCTION HOW N, with HOW
// dot (vec_dot of one row and column), dot2 (of two and two), gemv (a group of
// repacked rows, one column) or gemm (four columns). Prints where the library
// lies, so that its instructions can be traced.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef void (*dot)(int n, float *s, size_t bs, const void *x, size_t bx, const void *y, size_t by, int nrc);
typedef void (*gem)(int n, float *s, size_t bs, const void *x, const void *y, int columns, int rows);

int main(int argc, char **argv) {
	if (argc != 5) return 2;
	void *library = dlopen(argv[1], RTLD_NOW);
	void *f = library ? dlsym(library, argv[2]) : NULL;
	Dl_info info;
	if (!f || !dladdr(f, &info)) {
		fprintf(stderr, "%s\n", dlerror());
		return 1;
	}
	printf("base %lx\n", (unsigned long)info.dli_fbase);
	fflush(stdout);

	size_t size = 1 << 20;
	uint8_t *x = aligned_alloc(64, size), *y = aligned_alloc(64, size);
	float *s = aligned_alloc(64, 1 << 16);
	memset(x, 0x11, size);
	memset(y, 0x01, size);
	const char *how = argv[3];
	int n = atoi(argv[4]), rows = strstr(argv[2], "_4x") ? 4 : 8;
	if (!strcmp(how, "dot")) ((dot)f)(n, s, 0, x, 0, y, 0, 1);
	if (!strcmp(how, "dot2")) ((dot)f)(n, s, 16, x, 1 << 16, y, 1 << 16, 2);
	if (!strcmp(how, "gemv")) ((gem)f)(n, s, rows, x, y, 1, rows);
	if (!strcmp(how, "gemm")) ((gem)f)(n, s, rows, x, y, 4, rows);
	return 0;
}

/* LazyAdam as a program that the suite judges: cc -O2 -o lazy_adam lazy_adam.c -lm
   lazyadam check --program ./lazy_adam   (the protocol: suites/backends/PROGRAM.md) */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    int64_t rows, width, t;
    double lr, beta1, beta2, epsilon;
    float *w, *m, *v;
} Parameter;

static void fail(const char *why) { fprintf(stderr, "%s\n", why), exit(1); }

static int64_t integer(void)
{
    int64_t x;
    if (scanf("%" SCNd64, &x) != 1) fail("no whole number");
    return x;
}

static double number64(void)
{
    uint64_t bits;
    double x;
    if (scanf("%" SCNx64, &bits) != 1) fail("no float64");
    memcpy(&x, &bits, sizeof x);
    return x;
}

static float *numbers(int64_t count)
{
    float *x = malloc(sizeof *x * (count + 1));
    for (int64_t i = 0; i < count; i++) {
        uint32_t bits;
        if (scanf("%" SCNx32, &bits) != 1) fail("no float32");
        memcpy(x + i, &bits, sizeof *x);
    }
    return x;
}

static void print(const float *x, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, x + i, sizeof bits);
        printf(" %08" PRIx32, bits);
    }
}

/* g: the sum of each row that the gradient names. */
static void update(Parameter *p, const float *g, const char *named)
{
    const float b1 = p->beta1, o1 = 1 - p->beta1, b2 = p->beta2, o2 = 1 - p->beta2, eps = p->epsilon;
    const float alpha = p->lr * sqrt(1 - pow(p->beta2, p->t)) / (1 - pow(p->beta1, p->t));
    for (int64_t i = 0; i < p->rows * p->width; i++) {
        if (!named[i / p->width]) continue;
        p->m[i] = b1 * p->m[i] + o1 * g[i];
        p->v[i] = b2 * p->v[i] + o2 * g[i] * g[i];
        p->w[i] -= alpha * p->m[i] / (sqrtf(p->v[i]) + eps);
    }
}

static void step(Parameter *p)
{
    char kind[32] = "";
    int refused = scanf("%31s", kind) != 1;
    if (strcmp(kind, "sparse") == 0) {
        const int64_t count = integer();
        int64_t *rows = malloc(sizeof *rows * (count + 1));
        for (int64_t k = 0; k < count; k++) refused |= (rows[k] = integer()) < 0 || rows[k] >= p->rows;
        float *values = numbers(count * p->width), *g = calloc(p->rows * p->width, sizeof *g);
        char *named = calloc(p->rows, 1);
        for (int64_t k = 0; k < count * p->width && !refused; k++) {
            named[rows[k / p->width]] = 1;
            g[rows[k / p->width] * p->width + k % p->width] += values[k];
        }
        p->t += !refused;
        update(p, g, named);
        free(rows), free(values), free(g), free(named);
    } else if (strcmp(kind, "none") != 0)
        fail("neither sparse nor none");
    printf(refused ? "refuse a row that is not there" : "%" PRId64, p->t);
    for (int q = 0; q < 3 && !refused; q++) print((float *[]){p->w, p->m, p->v}[q], p->rows * p->width);
    printf("\n");
}

int main(void)
{
    char text[32];
    int64_t count = 0;
    Parameter *p = NULL;
    while (scanf("%31s", text) == 1) {
        if (strcmp(text, "lazyadam") == 0) {
            integer(); /* the version */
            printf("lazyadam 1 float32 sparse\n");
        } else if (strcmp(text, "case") == 0) {
            for (int64_t i = 0; i < count; i++) free(p[i].w), free(p[i].m), free(p[i].v);
            if (scanf("%31s", text) != 1) fail("no type"); /* float32 alone */
            p = realloc(p, sizeof *p * (count = integer()));
            for (Parameter *q = p; q < p + count; q++) {
                q->rows = integer(), q->width = integer(), q->t = integer();
                q->lr = number64(), q->beta1 = number64(), q->beta2 = number64(), q->epsilon = number64();
                q->w = numbers(q->rows * q->width), q->m = numbers(q->rows * q->width);
                q->v = numbers(q->rows * q->width);
            }
        } else if (strcmp(text, "step") == 0) {
            for (int64_t i = 0; i < count; i++) step(p + i);
        } else if (strcmp(text, "lr") == 0) {
            for (int64_t i = 0; i < count; i++) p[i].lr = number64();
        } /* reload: what is kept is w, m, v and t alone */
        fflush(stdout);
    }
    return 0;
}

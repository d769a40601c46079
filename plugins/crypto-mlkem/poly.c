// SPDX-License-Identifier: LGPL-2.1-or-later
/* poly.c: arithmetic modulo q with Montgomery's and Barrett's reductions, and the transform of FIPS 203, 4.3.
 *
 * A constant that a coefficient is multiplied by is kept times 2^16 modulo q, so that Montgomery's reduction of the
 * product takes the factor out again.
 */
#include "poly.h"

enum {
	Q_INVERSE = 62209,	 /* q^-1 modulo 2^16 */
	R_SQUARED = 1353,	 /* 2^32 modulo q */
	R_SQUARED_BY_128 = 1441, /* 2^32 / 128 modulo q: what FIPS 203, Algorithm 10 multiplies by at its end */
	BARRETT_SHIFT = 26,	 /* BARRETT is 2^26 / q, rounded */
	BARRETT = 20159,
	BARRETT_HALF = 1 << 25,
};

/* 17^BitRev7(i) * 2^16 modulo q (FIPS 203, appendix A, in another form). The factors of Algorithm 11, 17^(2
 * BitRev7(i) + 1), are the second half of the table, each with either sign. */
/* clang-format off */
static const int16_t zetas[128] = {
	-1044, -758, -359, -1517, 1493, 1422, 287, 202, -171, 622, 1577, 182,
	962, -1202, -1474, 1468, 573, -1325, 264, 383, -829, 1458, -1602, -130,
	-681, 1017, 732, 608, -1542, 411, -205, -1571, 1223, 652, -552, 1015,
	-1293, 1491, -282, -1544, 516, -8, -320, -666, -1618, -1162, 126, 1469,
	-853, -90, -271, 830, 107, -1421, -247, -951, -398, 961, -1508, -725,
	448, -1065, 677, -1275, -1103, 430, 555, 843, -1251, 871, 1550, 105,
	422, 587, 177, -235, -291, -460, 1574, 1653, -246, 778, 1159, -147,
	-777, 1483, -602, 1119, -1590, 644, -872, 349, 418, 329, -156, -75,
	817, 1097, 603, 610, 1322, -1285, -1465, 384, -1215, -136, 1218, -1335,
	-874, 220, -1187, -1659, -1185, -1530, -1278, 794, -1510, -854, -870, 478,
	-108, -308, 996, 991, 958, -1460, 1522, 1628,
};
/* clang-format on */

int16_t poly_montgomery(int32_t a)
{
	int16_t t = (int16_t)((uint32_t)a * Q_INVERSE);

	return (int16_t)((a - (int32_t)t * POLY_Q) >> 16);
}

int16_t poly_barrett(int16_t a)
{
	int16_t t = (int16_t)(((int32_t)BARRETT * a + BARRETT_HALF) >> BARRETT_SHIFT);

	return (int16_t)(a - t * POLY_Q);
}

static int16_t multiply(int16_t a, int16_t b)
{
	return poly_montgomery((int32_t)a * b);
}

void poly_freeze(struct poly *p)
{
	for (size_t i = 0; i < POLY_N; i++) {
		int16_t c = poly_barrett(p->c[i]);
		p->c[i] = (int16_t)(c + ((c >> 15) & POLY_Q));
	}
}

void poly_add(struct poly *out, const struct poly *a)
{
	for (size_t i = 0; i < POLY_N; i++)
		out->c[i] = (int16_t)(out->c[i] + a->c[i]);
}

void poly_sub_from(struct poly *out, const struct poly *a)
{
	for (size_t i = 0; i < POLY_N; i++)
		out->c[i] = (int16_t)(a->c[i] - out->c[i]);
}

/* A product is below q, so seven layers leave coefficients below 8 q, which fits into 16 bits. */
void poly_ntt(struct poly *p)
{
	size_t zeta = 1;

	for (size_t len = 128; len >= 2; len /= 2) {
		for (size_t start = 0; start < POLY_N; start += 2 * len, zeta++) {
			int16_t *low = p->c + start, *high = low + len;
			for (size_t j = 0; j < len; j++) {
				int16_t t = multiply(zetas[zeta], high[j]);
				high[j] = (int16_t)(low[j] - t);
				low[j] = (int16_t)(low[j] + t);
			}
		}
	}
	for (size_t i = 0; i < POLY_N; i++)
		p->c[i] = poly_barrett(p->c[i]);
}

/* (a0 + a1 X)(b0 + b1 X) modulo X^2 - gamma (FIPS 203, Algorithm 12). */
static void multiply_base(int32_t *sum, const int16_t *a, const int16_t *b, int16_t gamma)
{
	sum[0] += (int32_t)a[0] * b[0] + (int32_t)multiply(a[1], b[1]) * gamma;
	sum[1] += (int32_t)a[0] * b[1] + (int32_t)a[1] * b[0];
}

void poly_mul_add(struct poly_sum *sum, const struct poly *a, const struct poly *b)
{
	for (size_t i = 0; i < POLY_N; i += 4) {
		int16_t gamma = zetas[64 + i / 4];

		multiply_base(sum->c + i, a->c + i, b->c + i, gamma);
		multiply_base(sum->c + i + 2, a->c + i + 2, b->c + i + 2, (int16_t)-gamma);
	}
}

void poly_from_sum(struct poly *out, const struct poly_sum *sum)
{
	for (size_t i = 0; i < POLY_N; i++)
		out->c[i] = multiply(poly_montgomery(sum->c[i]), R_SQUARED);
}

void poly_inverse_ntt(struct poly *out, const struct poly_sum *sum)
{
	size_t zeta = 127;

	for (size_t i = 0; i < POLY_N; i++)
		out->c[i] = poly_montgomery(sum->c[i]);
	for (size_t len = 2; len <= 128; len *= 2) {
		for (size_t start = 0; start < POLY_N; start += 2 * len, zeta--) {
			int16_t *low = out->c + start, *high = low + len;
			for (size_t j = 0; j < len; j++) {
				int16_t t = low[j];
				low[j] = poly_barrett((int16_t)(t + high[j]));
				high[j] = multiply(zetas[zeta], (int16_t)(high[j] - t));
			}
		}
	}
	for (size_t i = 0; i < POLY_N; i++)
		out->c[i] = multiply(out->c[i], R_SQUARED_BY_128);
}

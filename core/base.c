// SPDX-License-Identifier: LGPL-2.1-or-later
/* base: the few words of base.h that are not inline.
 */
#include <ravelin/base.h>

#include <string.h>

bool rv_bytes_equal(struct rv_bytes a, struct rv_bytes b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

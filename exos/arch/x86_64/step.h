/* SPDX-License-Identifier: ISC */
#ifndef EXOS_STEP_H
#define EXOS_STEP_H

#define STEP_VECTOR 1u
#define STEP_FLAG 0x100ull

void step_on(void);
void step_off(void);

#endif

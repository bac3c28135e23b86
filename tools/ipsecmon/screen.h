/* SPDX-License-Identifier: ISC
 *
 * The whole terminal for a program that redraws it, and the terminal as it was for whoever comes afterwards.
 */
#ifndef IPSECMON_SCREEN_H
#define IPSECMON_SCREEN_H

#include <stdbool.h>
#include <stdint.h>

/* Takes the terminal over; it is given back at screen_leave, and when a signal ends or stops the program. */
void screen_enter(void);
void screen_leave(void);

/* Draws text from the top left corner; lines and columns that don't fit are left out, never wrapped. */
void screen_draw(const char *text);
/* Rows that screen_draw has room for. */
unsigned screen_rows(void);

enum screen_event { SCREEN_TIMEOUT, SCREEN_QUIT, SCREEN_REDRAW };
/* Waits until the time is over, "q" is pressed, or the window has changed. */
enum screen_event screen_wait(uint32_t wait_ms);

#endif

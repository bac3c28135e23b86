/* SPDX-License-Identifier: ISC
 *
 * page.html as embed.py puts it into the program.
 */
#ifndef IPSECMON_PAGE_H
#define IPSECMON_PAGE_H

extern const char page_html[];

#endif

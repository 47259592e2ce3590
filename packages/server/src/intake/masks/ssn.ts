/**
 * Social Security numbers of the United States: `AAA-GG-SSSS`, also with spaces. As the Social Security Administration
 * has it since 2011, any number may be assigned but for area 000, 666 and 900 to 999, group 00 and serial 0000.
 * Nine digits in a row are not told from any other number.
 */
import { beginsApart, endsApart, type Form, stickyEnd } from './text.ts';

const SSN_FORM = /(?!000|666|9)\d{3}([- ])(?!00)\d{2}\1(?!0000)\d{4}/y;

export const SSN: Form = {
  word: '[ssn]',
  beginning: /(?<!\w)\d{3}[- ]\d{2}[- ]/g,
  endOf(text, at) {
    const end = beginsApart(text, at, '.-') ? stickyEnd(SSN_FORM, text, at) : undefined;
    return end !== undefined && endsApart(text, end, '.-') ? end : undefined;
  },
};

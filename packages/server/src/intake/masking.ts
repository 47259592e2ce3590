/**
 * Masks what identifies a person in free text, by its form: addresses, numbers of phones, cards, accounts. Names and
 * postal addresses have no form that they could be told by. Text around what is replaced stays as it is, and masking a
 * masked text changes nothing.
 */
import { isContainer, type JsonObject, type JsonValue } from '../json/parse.ts';
import { CARD } from './masks/card.ts';
import { maskEmails } from './masks/email.ts';
import { IBAN } from './masks/iban.ts';
import { IP } from './masks/ip.ts';
import { PHONE } from './masks/phone.ts';
import { SSN } from './masks/ssn.ts';
import { type Form, maskForm } from './masks/text.ts';

/**
 * One after the other, those that are surest first: a card number has digits that could be a phone's. None may be kept
 * from a match by a later one's match beside it, or that would come to light the next time: so whatever has to stand
 * apart from its neighbours stands apart from no more than the forms after it do.
 */
const FORMS: readonly Form[] = [IP, IBAN, CARD, SSN, PHONE];

/** In time linear in the text. */
export function maskText(text: string): string {
  const masked = maskEmails(text);
  return FORMS.reduce((rest, form) => maskForm(rest, form), masked);
}

/** Masks a text that a container holds under a name, or, within an object or a list there, all texts but the names. */
export function maskTexts(holder: JsonObject | JsonValue[], name: string, value: JsonValue): void {
  if (typeof value === 'string') {
    // Safe for any name: it is the holder's own member already.
    (holder as JsonObject)[name] = maskText(value);
  } else if (isContainer(value)) {
    for (const [key, member] of Object.entries(value)) maskTexts(value, key, member);
  }
}

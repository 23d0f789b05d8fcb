/** Writes a number as English does. */
export const { format: number } = new Intl.NumberFormat("en");

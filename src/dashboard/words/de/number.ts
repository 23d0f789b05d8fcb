/** Writes a number as German does. */
export const { format: number } = new Intl.NumberFormat("de");

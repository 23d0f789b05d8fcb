/** What `text` holds as JSON, or `other` where that is not as `is` wants it, or no JSON at all. */
export function jsonOr<T, U>(text: string, is: (value: unknown) => value is T, other: U): T | U {
  try {
    const value: unknown = JSON.parse(text);
    return is(value) ? value : other;
  } catch (fault) {
    if (fault instanceof SyntaxError) return other;
    throw fault;
  }
}

export function isStringArray(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === "string");
}

export function isStringRecord(value: unknown): value is Record<string, string> {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every((entry) => typeof entry === "string")
  );
}

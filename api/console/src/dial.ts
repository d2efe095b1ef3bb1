// How a number is rung up from the desk where no telephone system dials (`useDial`): by what this machine does with a `tel:` link, a softphone
// perhaps. That a call was made is written down by the panel, whoever dialled.

export function telephone(number: string): string {
  return `tel:${number.replace(/[^+\d]/g, "")}`;
}

export function dial(number: string): void {
  const link = document.createElement("a");
  link.href = telephone(number);
  // In the page, so that whoever listens there for `tel:` links (a softphone's script) hears of it as of any other.
  document.body.append(link);
  link.click();
  link.remove();
}

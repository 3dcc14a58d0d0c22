/* Prints all that the library says of rules and of close codes. */
#include <stdio.h>
#include <wsvet.h>

int main(void)
{
    for (int rule = 0; rule <= UINT8_MAX; rule++) {
        uint8_t number = (uint8_t)rule;
        if (wsvet_rule_rfc(number) == 0)
            continue;
        printf("%d|%s|%d|%s|%d|%d|%s|%s|%s|%s\n", rule, wsvet_rule_id(number),
               wsvet_rule_rfc(number), wsvet_rule_section(number),
               wsvet_rule_close_code(number), wsvet_rule_status(number),
               wsvet_rule_breaks(number), wsvet_rule_text(number), wsvet_rule_explain(number),
               wsvet_rule_resolve(number));
    }
    for (long code = 0; code <= UINT16_MAX; code++) {
        uint16_t number = (uint16_t)code;
        printf("%ld|%s|%d|%s|%s|%s|%s\n", code, wsvet_code_name(number),
               wsvet_code_is_sendable(number), wsvet_code_meaning(number),
               wsvet_code_seen(number), wsvet_code_resolve(number),
               wsvet_code_send_when(number));
    }
    return 0;
}

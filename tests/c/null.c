/* Bytes that are nowhere are the program's mistake. */
#include <wsvet.h>

int main(void)
{
    struct wsvet_header header;
    wsvet_header_decode(NULL, 1, &header);
    return 0;
}

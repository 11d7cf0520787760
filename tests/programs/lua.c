/* SPDX-License-Identifier: ISC */
/* lua FILE [ARG]... | lua -e TEXT: the distribution's library, with the little around it that is needed. */
#include <lua5.4/lauxlib.h>
#include <lua5.4/lualib.h>
#include <stdio.h>
#include <string.h>

int
main(int argc, char **argv)
{
	lua_State *lua = luaL_newstate();
	int bad;

	if (!lua || argc < 2)
		return 2;
	luaL_openlibs(lua);
	lua_createtable(lua, argc, 0);
	for (int i = 0; i < argc; i++) {
		lua_pushstring(lua, argv[i]);
		lua_rawseti(lua, -2, i - 1);
	}
	lua_setglobal(lua, "arg");
	bad = strcmp(argv[1], "-e") ? luaL_dofile(lua, argv[1])
				    : luaL_dostring(lua, argc > 2 ? argv[2] : "");
	if (bad)
		fprintf(stderr, "lua: %s\n", lua_tostring(lua, -1));
	lua_close(lua);
	return bad;
}

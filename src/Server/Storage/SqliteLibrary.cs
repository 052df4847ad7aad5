using System.Runtime.InteropServices;
using SQLitePCL;

namespace Berth.Server.Storage;

/// <summary>
/// Chooses the native SQLite: the system's, which gets its distribution's fixes, where it is there and new enough;
/// otherwise the one that comes with Berth.
/// </summary>
internal static class SqliteLibrary
{
    /// <summary>3.35.0, the first with everything that Berth's SQL may use.</summary>
    private const int OldestUsable = 3_035_000;

    private static readonly Lazy<bool> Chosen = new(() =>
    {
        NativeLibrary.SetDllImportResolver(typeof(SQLite3Provider_e_sqlite3).Assembly, static (name, _, _) =>
            name == "e_sqlite3" && TryLoadSystem(out var handle) ? handle : IntPtr.Zero);
        Batteries_V2.Init();
        return true;
    });

    /// <summary>Has to be called before the first connection; later calls do nothing.</summary>
    public static void Use() => _ = Chosen.Value;

    private static bool TryLoadSystem(out IntPtr handle)
    {
        if (!NativeLibrary.TryLoad("libsqlite3.so.0", out handle))
            return false;
        if (NativeLibrary.TryGetExport(handle, "sqlite3_libversion_number", out var address)
            && Marshal.GetDelegateForFunctionPointer<VersionNumber>(address)() >= OldestUsable)
            return true;
        NativeLibrary.Free(handle);
        handle = IntPtr.Zero;
        return false;
    }

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int VersionNumber();
}

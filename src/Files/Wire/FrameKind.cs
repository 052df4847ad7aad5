namespace Berth.Files.Wire;

/// <summary>
/// Files and folders on one byte stream, from a <see cref="Sender"/> to a <see cref="Receiver"/>; either may be the client. A frame is its
/// kind (1 byte), the length of its payload (4 bytes, big-endian as all numbers), and the payload, at most
/// <see cref="Frames.MaximumPayload"/>.
/// <para>A tree is told as it is walked: a folder, what is in it, up again. A name is one name and never a path, so none can lead anywhere else. Nothing is
/// waited for between files; only one large enough to be worth it is asked for (<see cref="Have"/>) before its bytes are sent.</para>
/// <para>Meta is the mode (2 bytes), seconds since 1970 (8) and nanoseconds (4) of the last change.</para>
/// </summary>
internal enum FrameKind : byte
{
    /// <summary>Sender: the next of what was asked for begins: its name, or nothing where its contents alone are meant. One entry follows, or none.</summary>
    Source = 1,
    /// <summary>Sender: meta, name. What follows is in it, until <see cref="Up"/>.</summary>
    Folder = 2,
    /// <summary>Sender: the folder is complete.</summary>
    Up = 3,
    /// <summary>Sender: meta, size as far as is known (8 bytes), whether it waits for <see cref="Have"/> (1 byte), name.</summary>
    File = 4,
    /// <summary>Sender: the file's next bytes.</summary>
    Data = 5,
    /// <summary>Sender: so many bytes (8) that are zero and take no place.</summary>
    Hole = 6,
    /// <summary>Sender: the file's end; 1: it is whole, 0: it could not be read to its end.</summary>
    FileEnd = 7,
    /// <summary>Sender: meta, length of the name (2 bytes), name, target.</summary>
    Link = 8,
    /// <summary>Sender: so many files (8 bytes) and bytes (8) there are in all.</summary>
    Total = 9,
    /// <summary>Sender, after <see cref="Have"/>: the bytes from here (8 bytes) on follow.</summary>
    From = 10,
    /// <summary>Sender: nothing more comes, and nothing of what is not whole is to be left.</summary>
    CalledOff = 11,

    /// <summary>Either: a sentence about something that was not copied; the rest goes on.</summary>
    Trouble = 16,
    /// <summary>Sender: that was all. Receiver, to that: all is where it should be.</summary>
    Done = 17,

    /// <summary>Receiver: so many bytes (8) of the file are here from an earlier copy, and their SHA-256 (32 bytes).</summary>
    Have = 32,
    /// <summary>Receiver, instead: the file cannot be written, no bytes of it are wanted.</summary>
    Unwanted = 33,
    /// <summary>Receiver: a sentence why nothing more can be written.</summary>
    Failed = 34,
}

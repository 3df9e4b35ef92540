<?php
// A page as most PHP applications make it: session_start(), which sends `no-store` and, to a
// newcomer, `Set-Cookie`. PHP's built-in server frames a body by closing the connection, so the
// length is sent by hand, except where the page asks for the contrary.

$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
ob_start();

if ($path === '/open') {
    echo 'the same for everybody';
} else {
    session_save_path(getenv('SESSIONS'));
    session_start();
    if ($path === '/login') {
        $_SESSION['name'] = $_GET['name'];
    }
    echo 'the page of ' . ($_SESSION['name'] ?? 'a stranger');
}

if ($path !== '/unframed') {
    header('Content-Length: ' . ob_get_length());
}
ob_end_flush();
